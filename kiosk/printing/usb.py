"""USB printers without a driver, through pyusb: a channel, and which are there. It knows no printer's language."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from msgspec import Struct

from kiosk.printing.channels import Channel, within
from kiosk.printing.failing import PrintFailed, needing_extra

INSTALL: Final = "apt install libusb-1.0-0"
_PRINTER: Final = 7
"""The class of printers' interfaces (USB Device Class Definition for Printing Devices 1.1)."""
_CHUNK: Final = 4096
_WHOLE: Final = 6


class Identity(Struct, frozen=True):
    """What a USB device says it is: `vendor` and `product` are its numbers, `name` is in its maker's words."""

    vendor: int
    product: int
    name: str = ""


def _printer_interface(device: Any) -> tuple[Any, int] | None:
    """The first interface of a printer, and the configuration's number."""
    for configuration in device:
        for interface in configuration:
            if interface.bInterfaceClass == _PRINTER:
                return interface, configuration.bConfigurationValue
    return None


def _find(**wanted: Any) -> Any:
    with needing_extra():
        import usb.core
    try:
        return usb.core.find(**wanted)
    except usb.core.NoBackendError as error:
        raise PrintFailed("not_installed", detail=str(error), install=INSTALL) from error


def present() -> list[Identity]:
    """The USB printers of this machine.

    Raises:
        PrintFailed: `not_installed` where pyusb or libusb is missing.
        OSError: if the bus cannot be looked at.
    """
    found = []
    for device in _find(find_all=True, custom_match=lambda device: _printer_interface(device) is not None) or ():
        name = ""
        with suppress(Exception):  # a device that may be seen and not be asked; pyusb raises ValueError too
            name = f"{device.manufacturer or ''} {device.product or ''}".strip()
        found.append(Identity(device.idVendor, device.idProduct, name))
    return found


class _Usb:
    def __init__(self, device: Any, out: Any, back: Any, patience: float) -> None:
        self._device, self._out, self._back, self._patience = device, out, back, patience

    def send(self, content: bytes) -> None:
        left, end = content, time.monotonic() + _WHOLE * self._patience
        while left:
            taken = self._device.write(self._out, left[:_CHUNK], round(self._patience * 1000))
            if not taken or time.monotonic() > end:
                raise TimeoutError("the printer takes no more")
            left = left[taken:]

    def ask(self, question: bytes, seconds: float) -> bytes:
        import usb.core

        if self._back is None:
            return b""
        self.send(question)
        end = time.monotonic() + seconds
        # A printer with nothing to say may answer with nothing at once.
        while (left := end - time.monotonic()) > 0:
            try:
                if found := bytes(self._device.read(self._back, 64, max(1, round(left * 1000)))):
                    return found
            except usb.core.USBTimeoutError:
                return b""
            time.sleep(0.01)
        return b""


@contextmanager
def to_usb(vendor: int, product: int, patience: float) -> Iterator[Channel]:
    """A channel to the first USB device with these numbers that is a printer.

    Args:
        vendor: the maker's number.
        product: the model's.
        patience: seconds without progress until it counts as stalled.

    Raises:
        PrintFailed: `not_found`, or `not_installed` where pyusb or libusb is missing.
        OSError: what USB reports; TimeoutError if the printer stops taking.
    """
    device = within(patience, lambda: _find(idVendor=vendor, idProduct=product))
    part = _printer_interface(device) if device is not None else None
    if part is None:
        raise PrintFailed("not_found")
    import usb.core
    import usb.util

    interface, configuration = part
    number = interface.bInterfaceNumber
    out = back = None
    for endpoint in interface:
        # Bulk only; the highest bit of an endpoint's address is set for those that the printer talks through.
        if endpoint.bmAttributes & 3 == 2:
            out, back = (
                (out, endpoint.bEndpointAddress)
                if endpoint.bEndpointAddress & 0x80
                else (endpoint.bEndpointAddress, back)
            )
    detached = False
    try:
        with suppress(NotImplementedError):
            if device.is_kernel_driver_active(number):
                device.detach_kernel_driver(number)
                detached = True
        if device.get_active_configuration().bConfigurationValue != configuration:
            device.set_configuration(configuration)
        usb.util.claim_interface(device, number)
        yield _Usb(device, out, back, patience)
    except usb.core.USBTimeoutError as error:
        raise TimeoutError("the printer takes no more") from error
    finally:
        with suppress(usb.core.USBError, NotImplementedError):
            usb.util.dispose_resources(device)
            if detached:
                device.attach_kernel_driver(number)  # so that /dev/usb/lp0 is there again

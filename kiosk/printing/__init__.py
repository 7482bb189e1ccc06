"""A badge on paper: drawn as a picture, sent to a printer or a folder, and kept in a queue until it is done.

It gets plain data and knows no station, no record and no screen. Whatever is heavy (PIL, escpos, usb) is imported
where it is used, so that a station without the extra `print` can import it all and is told what to
install when it prints.
"""

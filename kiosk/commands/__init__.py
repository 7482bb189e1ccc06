"""What the commands do, one file each. They parse nothing and catch nothing: that is `__main__`'s part."""

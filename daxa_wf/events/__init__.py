"""The native engine: event lists, expressions, GTIs, light curves, flare filters, images, exposure maps."""

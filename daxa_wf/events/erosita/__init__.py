"""eROSITA without eSASS: event files, flares, selections, images and exposure maps."""

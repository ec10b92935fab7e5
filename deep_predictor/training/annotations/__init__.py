"""Truth for detectors and segmenters: boxes and masks of pictures, read and written in the formats that others use."""

"""The version of cropmine."""

VERSION = "0.1.0"

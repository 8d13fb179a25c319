"""The commands of `walkprint`, one file per noun."""

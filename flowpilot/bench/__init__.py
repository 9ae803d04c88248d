"""Benchmarks, one module each: `./run bench NAME`. A module has a docstring, `add_arguments(parser)` and `run(**options)`.

`run` returns figures by name, and prints nothing: the command shows them, or prints them as one JSON object with `--json`. What a figure is
compared with is measured in the same run, because the machine is not the same twice.
"""

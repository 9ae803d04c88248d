import importlib
import json
import pkgutil

from django.core.management.base import BaseCommand

from flowpilot import bench


class Command(BaseCommand):
    help = "Measure something; `bench --help` lists what."

    def add_arguments(self, parser):
        names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
        for module in _modules():
            name = module.__name__.rsplit(".", 1)[1].replace("_", "-")
            about = (module.__doc__ or "").strip().splitlines()[0]
            options = names.add_parser(name, help=about, description=about)
            options.add_argument("--json", action="store_true", help="print one JSON object")
            options.set_defaults(run=module.run)
            module.add_arguments(options)

    def handle(self, *, run, name, **options):
        is_json = options.pop("json")
        figures = run(**options)
        if is_json:
            self.stdout.write(json.dumps(figures, default=str))
            return
        width = max(map(len, figures), default=0)
        for figure, value in figures.items():
            self.stdout.write(f"{figure:<{width}}  {value}")


def _modules():
    return [importlib.import_module(f"{bench.__name__}.{each.name}") for each in pkgutil.iter_modules(bench.__path__)]

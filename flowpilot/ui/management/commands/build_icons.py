from django.core.management.base import BaseCommand

from flowpilot.ui.icons import build_sprite, sprite_path


class Command(BaseCommand):
    help = "Write the sprite of the icons that the templates name. Run it after naming a new one."

    def handle(self, *args, **options):
        sprite_path().write_text(build_sprite(), encoding="utf-8")
        self.stdout.write(f"Wrote {sprite_path()}")

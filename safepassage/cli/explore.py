"""`safepassage explore`: the page on this machine's own address."""

import json
import os
import threading
import warnings
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from safepassage.cli.printed import PlainConsole
from safepassage.collector import at_rest
from safepassage.model.settings.errors import ScenarioError

console = PlainConsole()

OFFLINE = {
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",
    "SOLARA_THEME_LOADER": "plain",
    "SOLARA_THEME_SHOW_BANNER": "false",
    "SOLARA_THEME_TITLE": "Safepassage",
    "SOLARA_KERNEL_CULL_TIMEOUT": "1h",
}
"""Settings of the page's server: it needs no internet and drops a closed tab after an hour."""
TOKEN_VARIABLE = "SAFEPASSAGE_TOKEN"
"""Environment variable that sets the token, for scripts; without it each start makes a new one."""


def explore(
    scenario: Annotated[
        str, typer.Argument(help="Name of a shipped scenario, a scenario file, or the folder of a finished run.")
    ] = "tiny_town",
    plan: Annotated[str | None, typer.Option(help="Plan to lay over the scenario: a name or a path.")] = None,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on; the default is this machine alone.")] = "127.0.0.1",
    language: Annotated[str, typer.Option(help="Language of the page: en or uk.")] = "en",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    mesa: Annotated[
        bool, typer.Option("--mesa", help="Mesa's own visualiser, with the map and the charts, instead of the page.")
    ] = False,
) -> None:
    """Open the page: watch an evacuation, change it, act while it runs, play a recorded run."""
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    with at_rest(stays=True):
        try:
            import solara  # noqa: F401
            import uvicorn
        except ImportError:
            raise ScenarioError('explore needs the page\'s packages: pip install "safepassage[app]".') from None
        from safepassage.experiments.reports.answer.language import Language

        Language(language)
        options = {"scenario": scenario, "plan": plan, "language": language}
        if (Path(scenario) / "manifest.json").is_file():
            from safepassage.model.results.run_folder import open_run

            if mesa:
                raise ScenarioError(f"--mesa steps a model, and {scenario} is a finished run: leave --mesa out.")
            open_run(scenario)
            options = {"run": str(Path(scenario).resolve()), "language": language}
        else:
            from safepassage.model.settings.scenario import load

            load(scenario, plan=plan)
        os.environ["SAFEPASSAGE_EXPLORE"] = json.dumps(options)
        os.environ["SOLARA_APP"] = "safepassage.app.mesa_page" if mesa else "safepassage.app.page"
        from safepassage.app.guard import LOOPBACK, Guard, names_of, new_token
        from safepassage.app.session import PLANS, prepare

        if mesa:
            # Solara finds this in Mesa's own components and tells it to whoever starts them.
            warnings.filterwarnings("ignore", message="[^ ]*solara_viz.py.*early return")
        from solara.server.starlette import app

    token = os.environ.get(TOKEN_VARIABLE) or new_token()
    names = names_of(host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={token}"
    console.print(f"The page is at {url} until you press Ctrl+C.", soft_wrap=True)
    if not mesa:
        console.print(
            f"Plans that you save, and the journal of what you do, are written to {PLANS.resolve()}.", soft_wrap=True
        )
    if names != LOOPBACK:
        console.print(
            "note: anyone on the network who has this address with its token can use the page; nothing is encrypted."
        )
    # Solara speaks of pages inside other pages' frames, which ours forbids; the cookie it sets is the stricter one.
    warnings.filterwarnings("ignore", message="Cookies with samesite=none require https")
    config = uvicorn.Config(
        Guard(app, hosts=names, port=port, token=token),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        ws_per_message_deflate=False,  # pictures go no farther than this machine; packing them costs more than it saves
    )

    class Server(uvicorn.Server):
        """Listens first; the town is built while the browser opens."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started and not mesa:
                prepare(options)
            if self.started and not no_browser:
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    with suppress(KeyboardInterrupt):
        server = Server(config)
        server.run()
    if not server.started:
        raise typer.Exit(1)  # uvicorn has said why

"""`safepassage explore`: the page on this machine's own address."""

import json
import os
import threading
import warnings
import webbrowser
from collections.abc import Callable, Iterable
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
        options = _checked(scenario, plan, language, mesa=mesa)
        os.environ["SAFEPASSAGE_EXPLORE"] = json.dumps(options)
        os.environ["SOLARA_APP"] = "safepassage.app.mesa_page" if mesa else "safepassage.app.page"
        from safepassage.app.guard import new_token
        from safepassage.app.session import prepare

        token = os.environ.get(TOKEN_VARIABLE) or new_token()
        guarded = _guarded(host, port, token)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={token}"
    follows: list[Callable[[], object]] = [lambda: _tell_address(url, host, mesa=mesa)]
    if not mesa:
        follows.append(lambda: prepare(options))
    if not no_browser:
        follows.append(threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start)
    _serve(guarded, host, port, follows)


def _checked(scenario: str, plan: str | None, language: str, *, mesa: bool) -> dict[str, str | None]:
    """Return what the page shows first; raises ScenarioError for what cannot be shown."""
    try:
        import solara  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise ScenarioError('explore needs the page\'s packages: pip install "safepassage[app]".') from None
    from safepassage.experiments.reports.answer.language import Language

    Language(language)
    if (Path(scenario) / "manifest.json").is_file():
        from safepassage.model.results.run_folder import open_run

        if mesa:
            raise ScenarioError(f"--mesa steps a model, and {scenario} is a finished run: leave --mesa out.")
        open_run(scenario)
        return {"run": str(Path(scenario).resolve()), "language": language}
    from safepassage.model.settings.scenario import load

    load(scenario, plan=plan)
    return {"scenario": scenario, "plan": plan, "language": language}


def _guarded(host: str, port: int, token: str) -> Any:
    """Return Solara's server of the page, behind what lets only its user through."""
    from safepassage.app.guard import Guard, names_of

    # Solara finds this in Mesa's own components and tells it to whoever starts them.
    warnings.filterwarnings("ignore", message="[^ ]*solara_viz.py.*early return")
    # Solara speaks of pages inside other pages' frames, which ours forbids; the cookie it sets is the stricter one.
    warnings.filterwarnings("ignore", message="Cookies with samesite=none require https")
    from solara.server.starlette import app

    return Guard(app, hosts=names_of(host), port=port, token=token)


def _tell_address(url: str, host: str, *, mesa: bool) -> None:
    """Print where the page is, what it writes, and who else can use it."""
    from safepassage.app.guard import LOOPBACK, names_of

    console.print(f"The page is at {url} until you press Ctrl+C.", soft_wrap=True)
    if not mesa:
        from safepassage.app.session import PLANS

        console.print(
            f"Plans that you save, and the journal of what you do, are written to {PLANS.resolve()}.", soft_wrap=True
        )
    if names_of(host) != LOOPBACK:
        console.print(
            "note: anyone on the network who has this address with its token can use the page; nothing is encrypted."
        )


def _serve(guarded: Any, host: str, port: int, follows: Iterable[Callable[[], object]]) -> None:
    """Serve the page until Ctrl+C. follows: what is begun as soon as it listens."""
    import uvicorn

    class Server(uvicorn.Server):
        """Listens first; the town is built while the browser opens."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            for follow in follows if self.started else ():
                follow()

    config = uvicorn.Config(
        guarded,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        ws_per_message_deflate=False,  # pictures go no farther than this machine; packing them costs more than it saves
    )
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(1)  # uvicorn has said why

"""The page itself: gradio's parts, how they lie, and how they are served."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import ModuleType
from typing import TYPE_CHECKING

from i2i.demo.methods import Loader, Method, domains_of, named, native
from i2i.demo.translations import MOST_SAMPLES, MOST_STEPS, DemoRequest, Made, translate
from i2i.demo.uploads import MOST_BYTES, VALUES
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.text import markdown

if TYPE_CHECKING:
    import gradio

ANY = "any"
WAITING = 16
"""Requests that may stand in the queue."""

SECONDS_KEPT = 3600
"""How long uploads and translations stay on the disk."""


@dataclass(frozen=True)
class PageContents:
    """What the page is about.

    Attributes:
        title: name of the run or the bench.
        methods: what can be tried.
        takes: what at least one of them takes: `noise`, `reference`, `sampling_steps`.
        examples: files of images with their domains.
    """

    title: str
    methods: Sequence[Method]
    takes: frozenset[str] = frozenset()
    examples: Sequence[tuple[str, str]] = ()


def require_gradio() -> None:
    """UserError unless it is installed."""
    if find_spec("gradio") is None:
        raise UserError("i2i demo needs gradio, which is not installed:\npip install 'i2i[demo]'")


def serve(shown: PageContents, loader: Loader, host: str, port: int | None, opened: bool) -> None:
    """Serve the page until Ctrl-C.

    Args:
        shown: what it is about.
        loader: of translators.
        host: address to listen at.
        port: its number; None: a free one from 7860 on.
        opened: whether a browser opens it.

    Raises:
        UserError: for an address that cannot be had.
    """
    _require_free(host, port)
    with TemporaryDirectory(prefix="i2i-demo-") as cache:
        os.environ["GRADIO_TEMP_DIR"] = cache  # read when gradio is imported
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        page, look = build(shown, loader)
        page.queue(max_size=WAITING, default_concurrency_limit=1)
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            inbrowser=opened,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=MOST_BYTES,
            strict_cors=True,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=False,
            footer_links=[],
            **look,
        )
        console.say(f"the page is at {address} (Ctrl-C ends it)")
        page.block_thread()


def build(shown: PageContents, loader: Loader) -> "tuple[gradio.Blocks, dict[str, gradio.Theme]]":
    """The page, and how it looks: what gradio's `Blocks.launch` takes for that."""
    import gradio

    with gradio.Blocks(title=f"i2i: {shown.title}", analytics_enabled=False, delete_cache=(600, SECONDS_KEPT)) as page:
        gradio.Markdown(
            f"# {markdown(shown.title)}\nUpload an image, choose what it is to become, and press Translate."
        )
        with gradio.Row():
            with gradio.Column(scale=2):
                parts = _inputs(gradio, shown)
            with gradio.Column(scale=3):
                gallery = gradio.Gallery(
                    label="Translations", format="png", columns=3, object_fit="contain", elem_id="translations"
                )
                slider = gradio.ImageSlider(label="Input and translation", format="png", interactive=False)
                files = gradio.Files(label="Download", interactive=False, elem_id="files")
        button = parts.pop("button")
        outputs = [gallery, slider, files]
        button.click(_handler(gradio, shown, loader, list(parts)), list(parts.values()), outputs, api_name="translate")
        gallery.select(_compare(gradio), [gallery], [slider], api_visibility="private")
    fonts = ["system-ui", "sans-serif"]  # the theme's own come from a server
    return page, {"theme": gradio.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"])}


def _inputs(gradio: ModuleType, shown: PageContents) -> "dict[str, gradio.Component]":
    """The controls by the field of `DemoRequest`, as the methods take them, and the `button`."""
    names = [method.name for method in shown.methods]
    sources, targets = domains_of(shown.methods, 0), domains_of(shown.methods, 1)
    parts = {
        "image": _upload(gradio, shown, "Image", ["upload", "webcam"], 280),
        "methods": gradio.CheckboxGroup(names, value=names, label="Models", visible=len(names) > 1),
        "source": gradio.Dropdown([ANY, *sources], value=ANY, label="Domain of the image", elem_id="source"),
        "targets": gradio.Dropdown(
            targets, value=targets, multiselect=True, allow_custom_value=True, label="Translate to", elem_id="targets"
        ),
        "full": gradio.Checkbox(value=False, label="Keep the size of the image (large ones pass in tiles)"),
    }
    parts |= _options(gradio, shown)
    button = gradio.Button("Translate", variant="primary", elem_id="go")
    rows = [list(example) for example in shown.examples if example[1] in sources]
    if rows:
        given = [parts["image"], parts["source"]]
        gradio.Examples(rows, given, label="Examples of the test split", examples_per_page=6)
    return parts | {"button": button}


def _upload(
    gradio: ModuleType, shown: PageContents, label: str, sources: Sequence[str], height: int
) -> "gradio.Component":
    """Takes an image, and values beyond 8 bits as a file, which browsers do not show."""
    name = label.partition(":")[0].lower()
    if native(shown.methods):
        kinds = f"{label} ({', '.join(VALUES)})"
        return gradio.File(label=kinds, type="filepath", file_types=list(VALUES), height=height, elem_id=name)
    return gradio.Image(
        label=label, type="filepath", sources=list(sources), image_mode=None, height=height, elem_id=name
    )


def _options(gradio: ModuleType, shown: PageContents) -> "dict[str, gradio.Component]":
    """What only some methods take."""
    parts, takes = {}, shown.takes
    if "noise" in takes:
        parts["samples"] = gradio.Slider(1, MOST_SAMPLES, value=1, step=1, label="Translations of each")
        parts["seed"] = gradio.Number(value=0, precision=0, minimum=0, maximum=2**31, label="Seed")
    if "reference" in takes:
        parts["reference"] = _upload(gradio, shown, "Reference: an image to take after", ["upload"], 160)
    if "sampling_steps" in takes:
        parts["sampling_steps"] = gradio.Number(
            value=0, precision=0, minimum=0, maximum=MOST_STEPS, label="Sampling steps (0: the model's own)"
        )
    return parts


def _handler(
    gradio: ModuleType, shown: PageContents, loader: Loader, names: Sequence[str]
) -> Callable[..., Iterator[tuple[object, ...]]]:
    """What the button does: values of the controls of these names to gallery, slider and files, as they fill.

    The slider shows the first translation, and is then left to whoever looks.
    """

    def translated(*values: object) -> Iterator[tuple[object, ...]]:
        made: list[Made] = []
        try:
            request, methods = _request(dict(zip(names, values, strict=True)), shown)
            for one in translate(request, methods, loader, Path(mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR")))):
                made.append(one)
                slider = (str(made[0].path), str(one.path)) if len(made) <= 2 else gradio.skip()
                pairs = [(str(each.path), each.caption) for each in made]
                yield pairs, slider, [str(each.file) for each in made[1:]]
        except UserError as error:
            raise gradio.Error(_without_paths(str(error), values), print_exception=False) from None

    return translated


def _without_paths(text: str, values: Sequence[object]) -> str:
    """A message that calls uploads by what they are, and not by where they lie on this machine."""
    for value in values:
        if isinstance(value, str) and Path(value).is_absolute():
            text = text.replace(value, "the uploaded file")
    return text


def _request(values: Mapping[str, object], shown: PageContents) -> tuple[DemoRequest, list[Method]]:
    """What was chosen, checked as far as the page can: its values may come from anybody."""
    samples, steps, seed = (_number(values.get(name)) for name in ("samples", "sampling_steps", "seed"))
    if not values["image"]:
        raise UserError("upload an image first")
    if samples > MOST_SAMPLES or steps > MOST_STEPS:
        raise UserError(f"at most {MOST_SAMPLES} translations of {MOST_STEPS} steps")
    most = len(domains_of(shown.methods, 1)) + MOST_SAMPLES
    request = DemoRequest(
        image=Path(str(values["image"])),
        source=None if values["source"] in (None, ANY) else str(values["source"]),
        targets=_texts(values["targets"])[:most],
        full=bool(values["full"]),
        samples=max(1, samples),
        seed=seed,
        reference=Path(str(values["reference"])) if values.get("reference") else None,
        sampling_steps=steps or None,
    )
    return request, named(shown.methods, _texts(values["methods"]))


def _number(value: object) -> int:
    """A whole number from 0, which stands for nothing."""
    return max(0, int(value)) if isinstance(value, int | float) and isfinite(value) else 0


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _compare(kit: ModuleType) -> Callable[..., tuple[str, str]]:
    """Puts the chosen image of the gallery beside the input."""

    def compared(images: Sequence[tuple[str, str]], chosen: "gradio.SelectData") -> tuple[str, str]:
        return images[0][0], images[chosen.index][0]

    compared.__annotations__["chosen"] = kit.SelectData  # by which gradio knows what to pass
    return compared


def _require_free(host: str, port: int | None) -> None:
    try:
        with socket.create_server((host, port or 0)):
            pass
    except (OSError, OverflowError) as error:
        raise UserError(
            f"{host}:{port or 'any port'} cannot be listened at ({error}): take another --host or --port"
        ) from None

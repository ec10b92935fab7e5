"""What the upload page says and checks of a file before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deep_predictor.environment import Environment
from deep_predictor.images.video import is_video_supported
from deep_predictor.web.current import current_application
from deep_predictor.web.page_words import byte_count, duration

#: Bytes of an upload's body that are not the picture: the form's other fields and the borders between them.
FORM_OVERHEAD_BYTES = 8192


@dataclass(frozen=True)
class UploadLimits:
    """Of pictures, and of videos, which have no extensions where none are taken."""

    extensions: Sequence[str]
    max_bytes: int
    video_extensions: Sequence[str]
    max_video_bytes: int
    words: str
    video_words: str

    @property
    def accept(self) -> str:
        """Of the form's file field."""
        return ",".join(f".{extension}" for extension in (*self.extensions, *self.video_extensions))


def upload_limits(environment: Environment) -> UploadLimits:
    options = environment.config.upload_options
    max_content_length = current_application().main_config.flask_options.max_content_length
    videos = tuple(options.supported_video_extensions) if is_video_supported() else ()
    length = duration(float(options.max_video_seconds)).removesuffix(" 0 s")
    return UploadLimits(
        extensions=options.supported_extensions,
        max_bytes=max(0, max_content_length - FORM_OVERHEAD_BYTES),
        video_extensions=videos,
        max_video_bytes=options.max_video_bytes,
        words=f"{', '.join(options.supported_extensions).upper()}, up to {byte_count(max_content_length)}",
        video_words=f"Videos: {', '.join(videos).upper()}, up to {byte_count(options.max_video_bytes)} and {length}"
        if videos
        else "",
    )

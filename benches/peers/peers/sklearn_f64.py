"""scikit-learn's `BernoulliRBM` in double precision, which it has for any data but f32."""
from .sklearn_f32 import Peer as SinglePrecision


class Peer(SinglePrecision):
    dtype = "float64"

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, final, type_check_only

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Unpack

from ._couplings import Couplings
from ._log_likelihood import LogLikelihood
from ._spins import Spins

__version__: Final[str]
__all__ = [
    "BestScore",
    "DivergedError",
    "Rbm",
    "SettingError",
    "Trainer",
    "__version__",
    "begin_sweep",
    "check_keywords",
    "command",
    "decoded",
    "default_settings",
    "did_you_mean",
    "filters_png",
    "held_run",
    "list_runs",
    "numbers_of",
    "pack",
    "read_foreign",
    "read_run",
    "read_sweep",
    "read",
    "refuse_masked",
    "resume_run",
    "resume_sweep",
    "rounds_to",
    "run_setting_table",
    "setting_table",
    "refuse_zeros",
    "states_of",
    "train_run",
    "write_foreign",
    "write_report",
    "write_whole",
]

class DivergedError(ArithmeticError): ...

class SettingError(ValueError):
    setting: str
    value: str
    rule: str

@type_check_only
class Settings(TypedDict, total=False):
    objective: str
    hidden: int | None
    epochs: int | None
    updates: int | None
    batch_size: int
    algorithm: str
    missing: str | None
    chains: int | None
    gibbs_steps: int
    gibbs_steps_last: int | None
    chain_reset: float
    temperatures: int
    swap_rate: float
    learning_rate: float
    schedule: str
    warm_up: float
    optimizer: str
    momentum: float
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    weight_decay: float
    centering: bool
    offset_rate: float
    sparsity_target: float
    sparsity_cost: float
    averaging: str
    binarize: str
    shuffle: bool
    shuffle_window: int | None
    chain_start: str
    seed: int

@type_check_only
class _OfRun(TypedDict, total=False):
    data: Any
    grey_levels: int | None
    spins: bool
    categories: str | int | tuple[float, ...] | None
    ignore: list[str]
    id: str | None
    alphabet: str | None
    unknown_letters: str
    missing_value: float | None
    labels: Any
    test_labels: Any
    missing_mask: str | os.PathLike[str] | None
    test_missing_mask: str | os.PathLike[str] | None
    invert: bool
    limit: int | None
    validation: int
    test_data: Any
    weights: Any
    reweight: float | None
    image_shape: tuple[int, int] | None
    init: str | os.PathLike[str] | None
    evaluate_every: int
    evaluate: str
    online_log_z: int | None
    online_log_z_every: int | None
    keep: str
    early_stop: str | None
    patience: int
    checkpoint_every: str
    keep_checkpoints: int
    keep_series: bool
    ladder: float | None
    tensorboard: bool

@type_check_only
class RunSettings(Settings, _OfRun): ...

@final
class BestScore:
    def __new__(cls, tolerance: float) -> BestScore: ...
    def observe(self, score: float, epoch: int) -> bool: ...
    @property
    def epoch(self) -> int | None: ...
    @property
    def n_since(self) -> int: ...

def default_settings() -> dict[str, Any]: ...
def setting_table() -> list[dict[str, Any]]: ...
def run_setting_table() -> list[dict[str, Any]]: ...
def did_you_mean(name: str, among: list[str]) -> str: ...
def check_keywords(names: list[str]) -> None: ...
def command(words: list[str]) -> None: ...
def filters_png(rbm: Rbm, number: int) -> bytes: ...
def list_runs(
    folder: str | os.PathLike[str],
) -> tuple[list[tuple[Path, dict[str, Any]]], list[str]]: ...
def read_run(folder: str | os.PathLike[str]) -> tuple[Path, dict[str, Any]]: ...
def held_run(folder: str | os.PathLike[str]) -> str | None: ...
def train_run(settings: dict[str, Any], session: dict[str, Any], monitor: Any) -> Path: ...
def resume_run(
    folder: str | os.PathLike[str], epochs: int | None, session: dict[str, Any], monitor: Any
) -> Path: ...
def begin_sweep(
    settings: dict[str, Any], sweep: dict[str, Any], session: dict[str, Any], listener: Any
) -> Path: ...
def resume_sweep(folder: str | os.PathLike[str], session: dict[str, Any], listener: Any) -> Path: ...
def read_sweep(folder: str | os.PathLike[str]) -> tuple[Path, dict[str, Any]]: ...
def write_report(
    folders: list[str], out: str | os.PathLike[str] | None, overwrite: bool
) -> Path: ...
def read_foreign(
    path: str | os.PathLike[str], names: dict[str, str | None]
) -> tuple[Rbm, list[str]]: ...
def write_foreign(rbm: Rbm, path: str | os.PathLike[str], names: dict[str, str | None]) -> None: ...
def write_whole(path: str | os.PathLike[str], contents: bytes) -> None: ...
def read(
    path: str | os.PathLike[str], *, grey_levels: int | None = None, spins: bool = False
) -> NDArray[Any]: ...
def pack(
    data: Any,
    path: str | os.PathLike[str],
    *,
    weights: Any = None,
    labels: Any = None,
    grey_levels: int | None = None,
    spins: bool = False,
    categories: str | int | tuple[float, ...] | dict[str, Any] | None = None,
    ignore: Sequence[str] = ...,
    alphabet: str | None = None,
    unknown_letters: str | None = None,
    missing_value: float | None = None,
) -> None: ...
def refuse_masked(object: object) -> None: ...
def states_of(
    data: Any,
    categories: str | int | tuple[float, ...] | dict[str, Any],
    *,
    ignore: Sequence[str] = ...,
    missing_value: float | None = None,
    missing: str | None = None,
    keeps_all: bool = False,
    threads: int | None = None,
) -> tuple[dict[str, Any], NDArray[np.uint8]]: ...
def refuse_zeros(
    data: Any,
    categories: str | int | tuple[float, ...] | dict[str, Any],
    *,
    ignore: Sequence[str] = ...,
    missing_value: float | None = None,
) -> None: ...
def numbers_of(columns: dict[str, Any], states: NDArray[np.uint8]) -> NDArray[Any]: ...
def rounds_to(array: object, copy: NDArray[np.float32]) -> bool: ...
def decoded(
    samples: Any, *, grey_levels: int | None = None, spins: bool = False
) -> NDArray[np.uint8] | NDArray[np.float32]: ...

@final
class Rbm:
    def __new__(
        cls,
        weights: ArrayLike,
        visible_bias: ArrayLike,
        hidden_bias: ArrayLike,
        data_mean: ArrayLike | None = None,
        *,
        grey_levels: int | None = None,
        spins: bool = False,
        image_shape: tuple[int, int] | None = None,
        columns: dict[str, Any] | list[Any] | None = None,
        missing: str | None = None,
        history: list[dict[str, Any]] | None = None,
        classes: Sequence[Any] | dict[str, Any] | None = None,
        n_given: list[int] | None = None,
        n_examples: int | None = None,
        missing_value: float | None = None,
        unit_names: list[str] | None = None,
    ) -> Rbm: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __getnewargs_ex__(
        self,
    ) -> tuple[
        tuple[
            NDArray[np.float32],
            NDArray[np.float32],
            NDArray[np.float32],
            NDArray[np.float32] | None,
        ],
        dict[str, Any],
    ]: ...
    @property
    def weights(self) -> NDArray[np.float32]: ...
    @property
    def visible_bias(self) -> NDArray[np.float32]: ...
    @property
    def hidden_bias(self) -> NDArray[np.float32]: ...
    @property
    def data_mean(self) -> NDArray[np.float32] | None: ...
    @property
    def n_visible(self) -> int: ...
    @property
    def n_hidden(self) -> int: ...
    @property
    def grey_levels(self) -> int | None: ...
    @property
    def spins(self) -> bool: ...
    @property
    def image_shape(self) -> tuple[int, int] | None: ...
    @property
    def missing(self) -> str | None: ...
    @property
    def missing_value(self) -> float | None: ...
    @property
    def history(self) -> list[dict[str, Any]]: ...
    @property
    def columns(self) -> dict[str, Any] | None: ...
    @property
    def classes(self) -> list[Any] | None: ...
    @property
    def n_given(self) -> list[int] | None: ...
    @property
    def n_examples(self) -> int | None: ...
    @property
    def sites(self) -> list[int]: ...
    def sha256(self) -> str: ...
    def zero_sum_gauge(self) -> Rbm: ...
    def to_spins(self) -> Spins: ...
    @staticmethod
    def from_spins(
        couplings: ArrayLike, visible_field: ArrayLike, hidden_field: ArrayLike
    ) -> Rbm: ...
    def couplings(
        self,
        gauge: str = "zero-sum",
        *,
        triples: bool = False,
        gaps: str = "leave-out",
        threads: int | None = None,
    ) -> Couplings: ...
    def predict_log_proba(
        self, visible: Any, *, threads: int | None = None
    ) -> NDArray[np.float64]: ...
    def predict_proba(
        self, visible: Any, *, threads: int | None = None
    ) -> NDArray[np.float64]: ...
    def mean_hidden(
        self, visible: Any, *, dtype: str = "float32", threads: int | None = None
    ) -> NDArray[Any]: ...
    def mean_visible(
        self, hidden: Any, *, threads: int | None = None
    ) -> NDArray[np.float32]: ...
    def conditional_mean(
        self,
        visible: Any,
        clamped: Any,
        *,
        gibbs_steps: int = 1000,
        seed: int = 0,
        threads: int | None = None,
    ) -> NDArray[np.float64]: ...
    def impute(
        self,
        visible: Any,
        *,
        expected: bool = False,
        missing: str | None = None,
        gibbs_steps: int = 1000,
        seed: int = 0,
        threads: int | None = None,
    ) -> NDArray[np.float64]: ...
    def predict_ratings(
        self,
        visible: Any,
        *,
        entries: Any = None,
        missing: str | None = None,
        gibbs_steps: int = 1000,
        seed: int = 0,
        threads: int | None = None,
    ) -> NDArray[np.float64]: ...
    def free_energy(self, visible: Any, *, threads: int | None = None) -> NDArray[np.float64]: ...
    def pseudo_likelihood(
        self, visible: Any, *, units: Any = None, threads: int | None = None
    ) -> NDArray[np.float64]: ...
    def reconstruct(
        self, visible: Any, *, seed: int = 0, threads: int | None = None
    ) -> NDArray[np.float32]: ...
    def gibbs(
        self, visible: Any, *, gibbs_steps: int = 1, seed: int = 0, threads: int | None = None
    ) -> NDArray[Any]: ...
    def sample(
        self,
        number: int = 100,
        *,
        gibbs_steps: int = 1000,
        start: Any = None,
        clamp: Any = None,
        label: Any = None,
        method: str = "gibbs",
        as_texts: bool = False,
        seed: int = 0,
        threads: int | None = None,
    ) -> NDArray[Any]: ...
    def log_likelihood(
        self,
        visible: Any,
        *,
        labels: Any = None,
        weights: Any = None,
        method: str = "auto",
        n_chains: int | None = None,
        schedule: str | None = None,
        burn_in: int | None = None,
        base_data: Any = None,
        start: Any = None,
        n_examples: int | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> LogLikelihood: ...
    def save(
        self, path: str | os.PathLike[str], *, settings: dict[str, Any] | None = None
    ) -> None: ...
    @staticmethod
    def load(path: str | os.PathLike[str]) -> Rbm: ...
    @staticmethod
    def load_with_settings(path: str | os.PathLike[str]) -> tuple[Rbm, dict[str, Any]]: ...
    def plot_filters(
        self,
        number: int = 100,
        *,
        image_shape: tuple[int, int] | None = None,
        ax: Any = None,
    ) -> Any: ...
    def plot_samples(
        self,
        number: int = 100,
        *,
        gibbs_steps: int = 1000,
        seed: int = 0,
        image_shape: tuple[int, int] | None = None,
        ax: Any = None,
    ) -> Any: ...
    def plot_history(self, metrics: list[str] | None = None, *, ax: Any = None) -> Any: ...
    def _repr_html_(self) -> str: ...
    @staticmethod
    def initial(hidden: int, mean: ArrayLike, n_examples: int, seed: int) -> Rbm: ...

@final
class Trainer:
    def __new__(
        cls,
        data: Any,
        *,
        weights: NDArray[np.float64] | None = None,
        labels: Any = None,
        classes: Sequence[Any] | dict[str, Any] | None = None,
        initial: Rbm | None = None,
        held_out: Any = None,
        as_numbers: bool = False,
        grey_levels: int | None = None,
        spins: bool = False,
        categories: str | int | tuple[float, ...] | dict[str, Any] | None = None,
        ignore: list[str] | None = None,
        alphabet: str | None = None,
        unknown_letters: str | None = None,
        missing_value: float | None = None,
        threads: int | None = None,
        comm: Any = None,
        **settings: Unpack[Settings],
    ) -> Trainer: ...
    @staticmethod
    def online(
        data: Any,
        *,
        weights: NDArray[np.float64] | None = None,
        labels: Any = None,
        classes: Any = None,
        initial: Rbm | None = None,
        hidden_states: Any = None,
        grey_levels: int | None = None,
        spins: bool = False,
        categories: str | int | tuple[float, ...] | dict[str, Any] | None = None,
        alphabet: str | None = None,
        unknown_letters: str | None = None,
        missing_value: float | None = None,
        threads: int | None = None,
        **settings: Unpack[Settings],
    ) -> Trainer: ...
    def run(self, until: int | None = None, *, threads: int | None = None) -> None: ...
    def with_settings(self, *, threads: int | None = None, **settings: Unpack[Settings]) -> Trainer: ...
    def arrays(self, dtype: str, *, threads: int | None = None) -> list[NDArray[Any]]: ...
    def update_on(
        self,
        data: Any,
        *,
        weights: NDArray[np.float64] | None = None,
        labels: Any = None,
        threads: int | None = None,
    ) -> None: ...
    def metrics(self, *, threads: int | None = None) -> dict[str, Any]: ...
    def picture(
        self, note: str | None = None, *, threads: int | None = None
    ) -> tuple[str, str] | None: ...
    def _repr_html_(self) -> str | None: ...
    def any_rank(self, is_true: bool) -> bool: ...
    def __reduce__(
        self,
    ) -> tuple[
        Any, tuple[str, list[float], bytes, Any, int | None, bool, Any, Any, float | None]
    ]: ...
    @staticmethod
    def restore(
        settings: str,
        mean: list[float],
        state: bytes,
        seen: Any = None,
        grey_levels: int | None = None,
        spins: bool = False,
        columns: dict[str, Any] | None = None,
        classes: dict[str, Any] | None = None,
        missing_value: float | None = None,
    ) -> Trainer: ...
    @property
    def settings(self) -> dict[str, Any]: ...
    @property
    def history(self) -> list[dict[str, Any]]: ...
    @property
    def is_recorded(self) -> bool: ...
    @property
    def rbm(self) -> Rbm: ...
    @property
    def model(self) -> Rbm: ...
    @property
    def data_mean(self) -> NDArray[np.float32] | None: ...
    @property
    def n_given(self) -> list[int] | None: ...
    @property
    def hidden_states(self) -> NDArray[np.bool_]: ...
    @property
    def updates(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def total_updates(self) -> int: ...
    @property
    def n_epochs(self) -> int: ...
    @property
    def updates_per_epoch(self) -> int: ...
    @property
    def n_examples(self) -> int | None: ...
    @property
    def _n_effective(self) -> int | None: ...

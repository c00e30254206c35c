"""The opener: what becomes of a version's folder — a runtime, batched if asked, warmed up."""

from pathlib import Path

from serving.batching.batched import Batched
from serving.batching.gathered import Gathered, keeps_texts
from serving.batching.parameters import BatchingParameters
from serving.batching.samples import read_samples
from serving.batching.scheduler import Scheduler
from serving.metrics import Metrics
from serving.runtimes.opening import open_runtime, runtime_options
from serving.runtimes.runtime import Runtime
from serving.servable import Servable
from serving.settings import ServeSettings
from serving.warm_up import replay
from store.layout import VersionDir
from store.manifest import DECODE_SIGNATURE
from wire.cores import usable_cores


class Opener:
    """Opens versions for the manager's loaders; calling it is thread-safe."""

    def __init__(self, settings: ServeSettings, metrics: Metrics) -> None:
        """Reads the files that the settings name.

        Raises:
            ConfigFileError: one is not what it should be.
            LoadError: batching parameters that do not go together.
        """
        self._settings = settings
        self._options = runtime_options(settings)
        path = settings.batching_parameters_file
        self._parameters = BatchingParameters.read(path) if path else BatchingParameters()
        permits = self._parameters.num_batch_threads if settings.enable_batching else usable_cores()
        self._scheduler = Scheduler(permits, metrics)
        self._metrics = metrics

    def __call__(self, model: str, version: int, folder: Path) -> Runtime:
        """The version in `folder`, ready to answer; the caller closes it.

        Raises:
            LoadError: it cannot be loaded, batched as it asks, or warmed up.
        """
        runtime = open_runtime(folder, self._options)
        try:
            runtime = self._batched(self._gathered(runtime), model, version, folder)
            self._warm_up(Servable(model, version, runtime), folder)
        except BaseException:
            runtime.close()
            raise
        return runtime

    def _gathered(self, runtime: Runtime) -> Runtime:
        return Gathered(runtime, DECODE_SIGNATURE, self._metrics) if keeps_texts(runtime) else runtime

    def _batched(self, runtime: Runtime, model: str, version: int, folder: Path) -> Runtime:
        settings = self._settings
        if settings.enable_batching:
            per_model = settings.enable_per_model_batching_parameters
            parameters = BatchingParameters.of_version(folder) if per_model else self._parameters
            if parameters is not None:
                return Batched(runtime, parameters, self._scheduler, model=model, version=version)
        if settings.zero_wait_batching:
            samples = read_samples(VersionDir(folder).warm_up)
            return Batched.zero_wait(runtime, self._scheduler, model=model, version=version, samples=samples)
        return runtime

    def _warm_up(self, servable: Servable, folder: Path) -> None:
        settings = self._settings
        if settings.enable_model_warmup:
            iterations = settings.num_request_iterations_for_warmup
            replay(
                servable,
                folder,
                iterations or 1,
                self._metrics,
                check_method_names=settings.enable_signature_method_name_check,
                answered=not iterations and VersionDir(folder).manifest.is_file(),
            )

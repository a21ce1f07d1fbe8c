"""What can go wrong at a door, each with the remedy in its message: what came, what was expected, what to do."""


class HandfulError(Exception):
    """Something that a person can mend. The command line prints its message and exits with `exit_code`."""

    exit_code = 2


class SceneError(HandfulError):
    """A raster that cannot be read or mapped."""


class LabelsError(HandfulError):
    """Labels that cannot be read, placed or used."""


class SettingsError(HandfulError):
    """An option, a recipe key or a band name that is unknown or doesn't fit."""


class Diverged(SettingsError):
    """A training whose loss is no longer finite."""


class TaskError(HandfulError):
    """Examples that don't make a task."""


class CheckpointError(HandfulError):
    """A checkpoint that is damaged, or that doesn't fit."""


class DataError(HandfulError):
    """A data set that is missing, half present or not in its layout."""


class OutputError(HandfulError):
    """An output folder that must not be written to."""


class EnvironmentFault(HandfulError):
    """The machine: disk, permission, memory."""

    exit_code = 5


# numpy, GDAL, torch and the loader of libraries say it in these words.
OUT_OF_MEMORY = ("allocate memory", "out of memory", "not enough memory", "unable to allocate", "failed to map segment")


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that the machine's memory is used up.

    >>> out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."))
    True
    """
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY)


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """A sentence that offers the known names nearest to `name`, or lists them; empty where none is known.

    >>> did_you_mean("clas", ["class", "id"])
    'Did you mean class?'
    """
    import difflib

    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=3, cutoff=0.5)
    meant = sorted((k for k in known if k.lower() in near), key=lambda k: near.index(k.lower()))
    if meant:
        return f"Did you mean {' or '.join(meant)}?"
    return f"Known: {', '.join(known)}." if known else ""

"""Named tuples of arrays that compiled functions hand on by their address.

Handed over by value, as numba does, the two hundred words of a strategy's and a venue's memory are copied at every
call, and references to each of their arrays are counted up and down. Most of a small call's time, and of its
compilation, goes into that. So the outermost function borrows its arguments: it writes them to its stack once, and
hands on where they lie. Attributes of what is borrowed read like those of the tuple, tuples in it are borrowed too, and
arrays are not counted: they must not be returned or kept beyond the call, while the caller holds them.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba
import numpy as np
from numba.core import cgutils, types
from numba.core.types.containers import BaseNamedTuple
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)
from numpy.typing import NDArray

from strategy.kernel.jit import jit_entry

T = TypeVar("T")
WORDS: Final = 16  # of an array as compiled code sees it, at most


class Borrowed(types.Type):
    """The numba type of a named tuple that is known by its address."""

    def __init__(self, base: Any) -> None:
        """Say what lies there."""
        self.base = base
        super().__init__(name=f"Borrowed({base})")


@register_model(Borrowed)
class _Address(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, cgutils.voidptr_t)


def _is_named(kind: Any) -> bool:
    return isinstance(kind, BaseNamedTuple)


def _seen(kind: Any) -> Any:
    """Return the type that an attribute shows: a named tuple is borrowed as well."""
    return Borrowed(kind) if _is_named(kind) else kind


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = Borrowed

    def generic_resolve(self, kind: Any, name: str) -> Any:
        fields = kind.base.fields
        return _seen(kind.base.types[fields.index(name)]) if name in fields else None


@lower_getattr_generic(Borrowed)  # type: ignore[untyped-decorator]
def _attribute(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    place = kind.base.fields.index(name)
    tuple_at = builder.bitcast(value, context.get_value_type(kind.base).as_pointer())
    member_at = cgutils.gep_inbounds(builder, tuple_at, 0, place)
    member = kind.base.types[place]
    if _is_named(member):
        return builder.bitcast(member_at, cgutils.voidptr_t)
    return _uncounted(context, builder, member, builder.load(member_at))


def _uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the LLVM value of an array without its owner, of a tuple member by member, of anything else as it is."""
    if isinstance(kind, types.BaseTuple):  # type: ignore[attr-defined]
        members = [_uncounted(context, builder, kind[i], builder.extract_value(value, i)) for i in range(len(kind))]
        return context.make_tuple(builder, kind, members)
    if not isinstance(kind, types.Array):
        return value
    view = context.make_array(kind)(context, builder, value)
    view.meminfo = cgutils.get_null_value(view.meminfo.type)
    view.parent = cgutils.get_null_value(view.parent.type)
    return view._getvalue()


@intrinsic  # type: ignore[untyped-decorator]
def _borrowed(typing_context: Any, value: Any) -> Any:
    if isinstance(value, Borrowed):
        return value(value), lambda context, builder, signature, arguments: arguments[0]

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(cgutils.alloca_once_value(builder, arguments[0]), cgutils.voidptr_t)

    return Borrowed(value)(value), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _leading(typing_context: Any, value: Any, named: Any) -> Any:
    base = value.base if isinstance(value, Borrowed) else value
    part = types.BaseTuple.from_types(base.types[: len(named.instance_class._fields)], named.instance_class)  # type: ignore[attr-defined]
    if isinstance(value, Borrowed):
        return Borrowed(part)(value, named), lambda context, builder, signature, arguments: arguments[0]

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        members = [builder.extract_value(arguments[0], i) for i in range(len(part))]
        found = context.make_tuple(builder, part, members)
        if context.enable_nrt:
            context.nrt.incref(builder, part, found)
        return found

    return part(value, named), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing_context: Any, value: Any, room: Any) -> Any:
    number = int.from_bytes(hashlib.sha256(str(value).encode()).digest()[:7])

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        there = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        builder.store(arguments[0], builder.bitcast(there, arguments[0].type.as_pointer()))
        return context.get_constant(types.int64, number)

    return types.int64(value, room), codegen


@jit_entry
def _write(value: Any, room: Any) -> int:
    """Write a named tuple as compiled code sees it into memory; return a number that its type alone has."""
    return int(_store(value, room))


@intrinsic  # type: ignore[untyped-decorator]
def _lent_at(typing_context: Any, like: Any, places: Any, i: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, places, i = arguments
        view = context.make_array(signature.args[1])(context, builder, places)
        address = builder.load(builder.gep(view.data, [i]))
        return builder.inttoptr(address, cgutils.voidptr_t)

    return like(like, places, i), codegen


def _at_place(like: Any, places: Any, i: int) -> Any:
    return places[i]


_KINDS: Final[dict[int, Borrowed]] = {}  # numba takes milliseconds to say what the type of a large tuple is


class Held:
    """A named tuple of arrays that Python holds and lends to compiled functions by its address.

    Such a call takes a few µs, whatever the tuple holds; numba would take every array apart.
    """

    def __init__(self, value: Any) -> None:
        """Take hold of a tuple: it must not be changed but for what is in its arrays."""
        self.value = value
        self._room = np.zeros(WORDS * _leaves(value), np.int64)
        number = _write(value, self._room)
        if number not in _KINDS:
            _KINDS[number] = Borrowed(numba.typeof(value))
        self.address = self._room.ctypes.data
        self._numba_type_ = _KINDS[number]

    def moved(self, block: NDArray[np.uint8], to: NDArray[np.uint8], keep: Any) -> "Held":
        """Return the same tuple with the arrays that lie in `block` at the same places of another one, kept alive."""
        twin, first = object.__new__(Held), block.ctypes.data
        twin.value, twin._room = keep, self._room.copy()
        within = (self._room >= first) & (self._room < first + len(block))
        twin._room[within] += to.ctypes.data - first
        twin.address, twin._numba_type_ = twin._room.ctypes.data, self._numba_type_
        return twin


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value)) if isinstance(value, tuple) else 1


@unbox(Borrowed)  # type: ignore[untyped-decorator]
def _address_of(kind: Any, held: Any, c: Any) -> Any:
    number = c.pyapi.object_getattr_string(held, "address")
    address = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(address, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


def kind_of(lent: Any) -> Any:
    """Return the type that compiled code sees in what is lent; that of Python where nothing is compiled."""
    return getattr(lent, "_numba_type_", type(lent))


def _moved(lent: Any, block: Any, to: Any, whole: Callable[[], Any]) -> Any:
    return lent.moved(block, to, whole)


def _anew(lent: Any, block: Any, to: Any, whole: Callable[[], Any]) -> Any:
    return whole()


def _places(lent: Any) -> Any:
    return np.array([each.address for each in lent], np.int64)


def _same(value: T) -> T:
    return value


def _first(value: Any, named: Any) -> Any:
    return named(*value[: len(named._fields)])


# `borrowed(value)`: a named tuple, by its address. `leading(value, named)`: its first members, which are those of the
# named tuple `named`, as one of these.
# `lend(value)`: what Python hands to a compiled function that wants a borrowed one.
lend: Callable[[Any], Any] = _same if numba.config.DISABLE_JIT else Held
# `lend_moved(lent, block, to, whole)`: the same for the tuple `whole()`, whose arrays lie in the memory `to` as those
# of `lent` do in `block`.
lend_moved: Callable[..., Any] = _anew if numba.config.DISABLE_JIT else _moved
# `places_of(lent)`: where several of one type lie. `lent_at(like, places, i)`: one of them; `like` is of that type.
places_of: Callable[[Any], Any] = list if numba.config.DISABLE_JIT else _places
lent_at = _at_place if numba.config.DISABLE_JIT else _lent_at
borrowed = _same if numba.config.DISABLE_JIT else _borrowed
leading = _first if numba.config.DISABLE_JIT else _leading

"""Arrays that are looked at without counting references to them.

Most of a small compiled call's time goes into counting references to the arrays of its arguments, up and down again at
every use. A function whose caller holds them for as long as it runs need not count: it looks at borrowed ones, and must
not return or keep them.
"""

from typing import Any, TypeVar

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

T = TypeVar("T")


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
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _uncounted(context, builder, signature.args[0], arguments[0])

    return value(value), codegen


def _same(value: T) -> T:
    return value


borrowed = _same if numba.config.DISABLE_JIT else _borrowed

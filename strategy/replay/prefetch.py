"""Memory that is asked for before it is needed: by then it is near, and nobody has waited for it."""

from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

READ, KEEP, DATA = (ir.Constant(ir.IntType(32), value) for value in (0, 3, 1))


@intrinsic  # type: ignore[untyped-decorator]
def _ask_for(typing_context: Any, column: Any, row: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        word, byte_at = ir.IntType(64), cgutils.voidptr_t
        stride = builder.extract_value(view.strides, 0)
        address = builder.add(builder.ptrtoint(view.data, word), builder.mul(arguments[1], stride))
        kind = ir.FunctionType(ir.VoidType(), [byte_at, *[ir.IntType(32)] * 3])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(ask, [builder.inttoptr(address, byte_at), READ, KEEP, DATA])
        return context.get_dummy_value()

    return types.void(column, types.int64), codegen


def _nothing(column: Any, row: int) -> None:
    return None


# `ask_for(column, row)`: begin to bring a row of a column near; any row will do, also one that does not exist.
ask_for = _nothing if numba.config.DISABLE_JIT else _ask_for

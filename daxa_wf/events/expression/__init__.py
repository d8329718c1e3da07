"""The selection expressions of SAS (selectlib), as users of evselect write them.

    disjunction  = conjunction { ("||" | ".or.") conjunction }
    conjunction  = negation { ("&&" | ".and.") negation }
    negation     = ("!" | ".not.") negation | comparison
    comparison   = bits [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | ".eq." ...) bits | "in" membership ]
    membership   = interval { "," interval } | gti | shape | region
    interval     = ("[" | "(") [sum] ":" [sum] ("]" | ")") | sum [":" [sum]] | ":" sum
    bits         = xor { "|" xor }       xor = and { "^" and }       and = sum { "&" sum }
    sum          = product { ("+" | "-") product }       product = unary { ("*" | "/") unary }
    unary        = { "-" | "+" } primary
    primary      = number | 0xHEX | bBINARY | "#"NAME | "true" | "false" | function | column | "(" disjunction ")"
    function     = gti(FILE, column) | region(FILE [, x, y]) | isNull(column) | SHAPE(numbers... [, x, y])

`&` binds tighter than comparisons, unlike C. Source: SAS selectlib, 'Selection expressions'.
"""

from daxa_wf.events.expression.bind import BoundExpression, Expression, check_expression, parse
from daxa_wf.events.expression.types import kind_of, kinds_of

__all__ = ["BoundExpression", "Expression", "check_expression", "kind_of", "kinds_of", "parse"]

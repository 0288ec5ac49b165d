"""Finding a contract by the name a trader or a library uses for it."""

from __future__ import annotations

import re
from difflib import get_close_matches

from perpbook.errors import TermsError
from perpbook.terms.terms import ContractTerms, VenueTerms

UNIFIED = re.compile(r"(?P<base>[^/:]+)/(?P<quote>[^/:]+):(?P<settle>[^/:]+)")
"""The way ccxt writes a perpetual: base/quote:settle."""


def find_contract(terms: VenueTerms, symbol: str) -> ContractTerms:
    """A venue's contract by native symbol, or by unified `BASE/QUOTE:SETTLE`.

    Raises
    ------
    TermsError : no such contract; names the nearest ones.
    """
    if symbol in terms.contracts:
        return terms.contracts[symbol]
    match = UNIFIED.fullmatch(symbol)
    if match:
        for found in terms.contracts.values():
            contract = found.contract
            if (contract.base, contract.quote, contract.settle) == match.groups():
                return found
    raise TermsError(unknown_contract(terms, symbol))


def unknown_contract(terms: VenueTerms, symbol: str) -> str:
    """The message for a contract that is not in the terms."""
    names = list(terms.contracts)
    folded = {name.upper(): name for name in names}
    near = get_close_matches(symbol.upper(), folded, n=2, cutoff=0.5)
    near += [name for name in folded if name.startswith(symbol.upper()) and name not in near][: 2 - len(near)]
    guess = " or ".join(f'"{folded[name]}"' for name in near)
    hint = f"did you mean {guess}?" if near else f"known: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
    return (
        f'{terms.name} has no contract "{symbol}" in its terms of {terms.as_of}: {hint} '
        f"A contract of your own goes into a terms file (`perpbook terms show {terms.venue}` says where)."
    )

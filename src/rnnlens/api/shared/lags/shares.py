"""The share of each lag, each feature, or each feature at each lag in what moved the forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnlens.api.shared.lags.rows import BY
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["shares_of"]


def shares_of(
    explained: xr.Dataset,
    *,
    by: str = "lag",
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """Give each lag's share from contributions that are there already."""
    import xarray as xr

    from rnnlens.attribution.share import lag_share
    from rnnlens.results.provenance import file_safe

    if by not in BY:
        raise InputError(f"rows of the table are by one of {', '.join(BY)}, not by {by!r}")
    contribution = _summed(explained, BY[by])
    sizes = [contribution.sizes[name] for name in BY[by]]
    flat = contribution.values.reshape(contribution.sizes["sample"], -1)
    found = lag_share(flat, confidence=confidence, draws=draws, seed=seed)
    unit = explained.attrs["unit"] or "network units"
    texts = {
        "share": ("share in what moved the forecast", "1"),
        "share_low": ("lower end of the interval", ""),
        "share_high": ("upper end of the interval", ""),
        "mean_contribution": ("mean contribution", unit),
        "mean_size": ("mean absolute contribution", unit),
    }
    variables = {}
    for name, (text, of) in texts.items():
        attrs = {"long_name": text} | ({"units": of} if of else {})
        variables[name] = (BY[by], getattr(found, name).reshape(sizes), attrs)
    kept: dict[str, Any] = {name: explained[name] for name in BY[by]}
    if "lag" in kept:
        kept["lag_to"] = ("lag", explained["lag_to"].values, {"long_name": "last lag of the group"})
        kept["lag"] = kept["lag"].assign_attrs(long_name="lag (1 = newest step fed in)")
    about = {
        "kind": "share",
        "by": by,
        "samples": explained.sizes["sample"],
        "confidence": confidence,
        "draws": draws,
        "seed": seed,
        "block_length": found.block_length,
    }
    attrs = {**explained.attrs, **{key: file_safe(value) for key, value in about.items()}}
    coords = {
        name: value.variable if hasattr(value, "variable") else value
        for name, value in kept.items()
    }
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _summed(explained: xr.Dataset, dims: tuple[str, ...]) -> xr.DataArray:
    """Give the contributions by sample and the dimensions wanted, summed over the others."""
    if "contribution" not in explained:
        raise DataError("shares need contributions, but this result holds sensitivities")
    contribution = explained["contribution"]
    for name in dims:
        if name not in contribution.dims:
            raise DataError(
                f"these contributions, made by {explained.attrs.get('method', 'their method')!r}, "
                f"are not by {name}: use method='secant' to see them by {name}"
            )
    others = [name for name in contribution.dims if name not in {"sample", *dims}]
    return contribution.sum(others).transpose("sample", *dims)

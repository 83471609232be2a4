"""The custom resources as types: the only place where the shape of YAML is known.

`v1alpha1` holds one pydantic model per kind; `emitter` and `crds` turn them into CustomResourceDefinitions, and
`linter` proves that the result is structural. This package imports nothing else of Inferfleet.
"""

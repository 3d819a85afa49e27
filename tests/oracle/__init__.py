"""An independent reading of the contract: journey semantics and identity, written from their text alone.

Slow, plain and free of product code on purpose: nothing in this folder may import from `services`, `gateway` or
`infra`, so that where the product and the oracle agree, two separate readings agree. An instance, an event and a
journey are plain dictionaries in the spelling of the public API.
"""

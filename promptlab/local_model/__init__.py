"""The machinery of the backend `hf`: one language model on this machine, asked many things at once.

Its files       `weights` `hub` `cache` `convert` `adapter`: where they lie, digests, conversion.
As text         `chat` `tokens`: messages to token ids and back.
Loaded          `loading` (by `from_transformers`, or `llama` where `shape` knows it), `linear`,
                `shared` bases, `lora`; `loaded` brings all together.
Asked           `engine`: `packed` steps where `fitness` allows them, else `padded` batches.
A packed step   `trie` (what prompts share), `batch` and `build_step` (what is read next), `held`
                and `kept` (where keys and values are, in `kv` stores), `forward`, `attention`.
What is said    `rows` (tokens drawn, answers ended), `weigh` (how likely a given answer is).

Only what is asked for is imported: the files need no torch, and `llama` no transformers.
"""

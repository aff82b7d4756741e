"""The machinery of the backend `hf`: one local language model that answers many prompts at once.

Files           `weights` `hub` `cache` `convert` `adapter`: locations, digests, conversion.
Text            `chat` (`chat_template`, `control`) and `tokens`: messages to token ids and back.
Told            `told`: what the model is given otherwise than was asked, before a run.
Loading         `loading` (by `from_transformers`, or `llama` where `shape` knows it), `linear`,
                `shared` bases, `lora`; `loaded` brings everything together.
Answering       `engine`: `packed` steps where `fitness` allows them, else `padded` batches.
A packed step   `trie` (what prompts share), `batch` and `build_step` (what is read next), `held`
                and `kept` (where keys and values are, in `kv` stores), `forward`, `attention`.
Output          `rows` (tokens drawn, answers ended), `weigh` (how likely a given answer is).

Each part imports only what it needs: the files need no torch, and `llama` no transformers.
"""

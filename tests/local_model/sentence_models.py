"""A tiny random model of sentences, in the form that sentence-transformers has."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers as tf

_WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] a cat dog sat ran has no fever the patient"


def write_sentence_model(folder: Path, seed: int = 0, **pooling: bool) -> Path:
    """Write the model into the folder and return it."""
    torch.manual_seed(seed)
    words = _WORDS.split()
    letters = [chr(code) for code in range(33, 127) if chr(code) not in words]
    vocabulary = {word: place for place, word in enumerate([*words, *letters])}
    vocabulary |= {f"##{letter}": len(vocabulary) + n for n, letter in enumerate(letters)}
    config = tf.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.4,
    )
    tf.BertModel(config).save_pretrained(folder)
    tf.BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 32}))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = pooling or {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    return folder

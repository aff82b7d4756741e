"""Embeds sentences: the mean over the words that the attention mask keeps, of length one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from promptlab.local_model.files.sentences import SentenceModel

_SAFE = {"trust_remote_code": False, "local_files_only": True}
_BATCH = 64

logging.set_verbosity_error()
logging.disable_progress_bar()


class Embedder:
    """A model of sentences in memory."""

    def __init__(self, files: SentenceModel, device: str) -> None:
        """Load it from local files, without running their code; may raise anything."""
        self._tokenizer = AutoTokenizer.from_pretrained(str(files.folder), **_SAFE)
        model = AutoModel.from_pretrained(
            str(files.folder), **_SAFE, use_safetensors=True, dtype=torch.float32
        )
        self._model = model.eval().to(device)
        self._device = device
        limit = getattr(model.config, "max_position_embeddings", None)
        self._longest = files.longest or limit or 512

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return a row of length one for each text; what is beyond the model's limit is cut off."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: list[tuple[int, np.ndarray]] = []
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            vectors = self._batch([texts[place] for place in places])
            rows += zip(places, vectors, strict=True)
        return np.stack([row for _, row in sorted(rows, key=lambda each: each[0])])

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens it reads of each text."""
        read = self._tokenizer(list(texts), truncation=True, max_length=self._longest)
        return [len(tokens) for tokens in read["input_ids"]]

    def _batch(self, texts: list[str]) -> np.ndarray:
        read = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            words = self._model(**read).last_hidden_state
            kept = read["attention_mask"].unsqueeze(-1).to(words.dtype)
            mean = (words * kept).sum(1) / kept.sum(1).clamp(min=1)
            unit = torch.nn.functional.normalize(mean, dim=1)
        rows: np.ndarray = unit.cpu().numpy()
        return rows

"""How the text of an answer is read: one normal form, numbers, words, sentences, labels, fences.

Characters are told apart by their Unicode properties, which the package `regex` knows. Nothing here
knows of samples, scores or parameters.
"""

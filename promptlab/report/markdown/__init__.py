"""Views as GitHub's Markdown, for pull requests: what is foreign is text and no more."""

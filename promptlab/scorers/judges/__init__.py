"""What judges share: how texts are marked as data, what is asked, what a reply says."""

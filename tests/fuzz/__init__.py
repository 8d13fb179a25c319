"""Random changes to uploads, in search of what refuses them in no words of ours."""

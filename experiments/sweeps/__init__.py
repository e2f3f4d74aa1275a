"""Many runs over a design: study files, progress, folders."""

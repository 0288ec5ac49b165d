"""Linear and mixed-integer programmes, by HiGHS."""

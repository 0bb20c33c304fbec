"""A page on which trained models can be tried: upload an image, see its translations, download them.

`page.py` lays it out and serves it with gradio; `translations.py` does what its button asks for, without gradio.
"""

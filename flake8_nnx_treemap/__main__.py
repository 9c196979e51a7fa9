"""``python -m flake8_nnx_treemap`` is ``nnx-fix``."""

if __name__ == "__main__":
    from flake8_nnx_treemap.startup import forget_current_folder

    forget_current_folder()

    from flake8_nnx_treemap.cli import run

    run()

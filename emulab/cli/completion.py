"""``emulab completion``: what a shell needs to complete verbs, options, boards, workloads and images."""

from __future__ import annotations

import click

VARIABLE = "_EMULAB_COMPLETE"
"""Set by the shell's script when it asks emulab itself for the words that fit."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes emulab's words in a shell.

    \b
    bash: eval "$(emulab completion bash)"      in ~/.bashrc
    zsh:  eval "$(emulab completion zsh)"       in ~/.zshrc, after compinit
    fish: emulab completion fish > ~/.config/fish/completions/emulab.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ctx.find_root().command, {}, "emulab", VARIABLE).source())

"""Every network, by the name that the setting `network` gives it."""

from trainer.attention import Attention
from trainer.model import ArrCoc
from trainer.network import Network, Sizes
from trainer.relation import Relation
from trainer.settings import ModelSettings

NETWORKS = {"arr_coc": ArrCoc, "attention": Attention, "relation": Relation}


def build(settings: ModelSettings, sizes: Sizes) -> Network:
    """Build the network that the settings name, with fresh weights."""
    network: Network = NETWORKS[settings.network](settings, sizes)
    return network

"""The chocolate maker: a company with offices in Belgium, Germany, Japan and Brazil."""

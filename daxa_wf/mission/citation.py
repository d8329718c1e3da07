"""Acknowledgements and publications of missions, data centres and software, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reference:
    """A publication: its BibTeX key, and what identifies it. `authors` are separated by `and`, as in BibTeX."""

    key: str
    authors: str
    title: str
    journal: str
    year: int
    volume: str = ""
    pages: str = ""
    doi: str = ""
    url: str = ""
    """Address of a publication without DOI."""

    def as_bibtex(self) -> str:
        """Return the entry of a BibTeX file.

        >>> print(Reference("snowden_2008", "Snowden, S. L. and others", "A catalog", "A&A", 2008, "478", "615").as_bibtex())
        @article{snowden_2008,
          author  = {Snowden, S. L. and others},
          title   = {{A catalog}},
          journal = {A\\&A},
          year    = {2008},
          volume  = {478},
          pages   = {615},
        }
        """
        fields = {
            "author": self.authors, "title": f"{{{self.title}}}", "journal": self.journal, "year": str(self.year),
            "volume": self.volume, "pages": self.pages, "doi": self.doi, "url": self.url,
        }  # fmt: skip
        # BibTeX passes addresses on as they are, and LaTeX takes & in other texts for a column of a table.
        escaped = {name: text if name in ("doi", "url") else text.replace("&", r"\&") for name, text in fields.items()}
        lines = [f"  {name:7} = {{{text}}},\n" for name, text in escaped.items() if text]
        return f"@article{{{self.key},\n{''.join(lines)}}}"

    @property
    def short(self) -> str:
        """Return the publication in one line, without the braces that keep BibTeX from dividing a name.

        >>> Reference("b", "{The Group}", "T", "A&A", 2001, "365", "L1", doi="10.1051/x").short
        'The Group 2001, A&A 365, L1, https://doi.org/10.1051/x'
        >>> Reference("a", "Jansen, F. and Lumb, D. and others", "T", "A&A", 2001, "365", "L1", doi="10.1051/x").short
        'Jansen et al. 2001, A&A 365, L1, https://doi.org/10.1051/x'
        """
        names = [name.partition(",")[0].strip("{}") for name in self.authors.split(" and ")]
        authors = names[0] if len(names) == 1 else f"{names[0]} et al."
        place = ", ".join(filter(None, (f"{self.journal} {self.volume}".strip(), self.pages)))
        address = f"https://doi.org/{self.doi}" if self.doi else self.url
        return ", ".join(filter(None, (f"{authors} {self.year}", place, address)))


@dataclass(frozen=True)
class Citation:
    """The acknowledgement for the use of something: a sentence, publications, and the page with the official request.

    The sentence is the one that the owner of the data asks for, or a plain statement where no sentence is prescribed.
    """

    acknowledgement: str = ""
    references: tuple[Reference, ...] = ()
    by_instrument: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    """Instrument -> publications to cite if the archive has data of it."""
    page: str = ""
    """Address of the owner's request for acknowledgement, whose present text decides."""

# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists that earlier runs left in the folder. Private: only for use inside this collection."""

from __future__ import annotations

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError

from .._our_files import OurFiles
from ._formats import CSV, JSON, json_file, read_csv_values, read_json
from ._people import Person


class Folder(OurFiles):
    """The folder of what is handed out."""

    def __init__(self, path: str) -> None:
        super().__init__(path, lasting=(JSON,))

    def read_lists(self) -> tuple[list[Person], list[str]]:
        """Return the people of earlier runs, and the values of keys that they knew.

        :raises InputError: if the list of keys is not as an earlier run wrote it.
        """
        self.read_list()
        text = self.read_own(JSON)
        if text is None:
            # A list that was lost is made up for by the other one.
            return [], read_csv_values(self.read_own(CSV) or b"")
        try:
            people = read_json(text)
        except InputError as error:
            raise self._refusal(error) from error
        if not self.is_ours(JSON):
            self.adopt({JSON: json_file(people)})
        if not self.is_ours(JSON):
            raise self._refusal("was not written by this role, or was changed")
        return people, [person["key"] for person in people if person["key"]]

    def _refusal(self, problem: object) -> InputError:
        return InputError(f"{self.path / JSON} {problem}. Fix it or move it away. Nothing was written.")

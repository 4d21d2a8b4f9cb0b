// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: litemaas.virtual_keys contributors
//
// The little that the translation has to know of a Prisma schema: the name and the type of every model's fields.

/**
 * Read the models of a Prisma schema.
 *
 * @param {string} text the schema
 * @returns {Map<string, Map<string, string>>} model name -> field name -> type name (without `?` and `[]`)
 */
export function readModels(text) {
  const models = new Map();
  let fields = null;
  for (const line of text.split("\n")) {
    const opening = /^\s*(model|view)\s+(\w+)\s*\{/.exec(line);
    if (opening) {
      fields = new Map();
      models.set(opening[2], fields);
    } else if (/^\s*\}/.test(line)) {
      fields = null;
    } else if (fields) {
      const field = /^\s*(\w+)\s+(\w+)/.exec(line);
      if (field) {
        fields.set(field[1], field[2]);
      }
    }
  }
  return models;
}

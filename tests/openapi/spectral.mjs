// SPDX-License-Identifier: ISC
// Rules of the linter: all that it recommends for OpenAPI, and what differs here.
import { oas } from "@stoplight/spectral-rulesets";

const example = oas.rules["oas3-valid-media-example"];

export default {
  extends: [oas],
  rules: {
    // Whom to ask is the operator's business.
    "info-contact": "off",
    // XML stands in the document as a text, which the rule holds against the schema of what the
    // text means. tests/openapi/check.py reads the XML first.
    "oas3-valid-media-example": {
      ...example,
      given: ["$..content['application/json']"],
    },
  },
};

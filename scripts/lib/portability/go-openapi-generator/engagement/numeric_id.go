package engagement

import "encoding/json"

// NumericId reads a number or a string of digits, and keeps every digit.
type NumericId = json.Number

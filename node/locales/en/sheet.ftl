# The record sheet.
sheet-untitled = Untitled
sheet-relations = What it relates to
sheet-written = Written by { $by }; last changed on { $at }.

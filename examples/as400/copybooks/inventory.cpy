      * Inventory: what each item is, costs, and where it lies.
       01  INVENTORY-RECORD.
           05  ITEM                PIC X(8).
           05  DESCRIPTION         PIC X(30).
           05  UNIT-COST           PIC S9(7)V9(4) COMP-3.
           05  ON-HAND             PIC S9(7)     COMP-3.
           05  SITE OCCURS 3 TIMES.
               10  SITE-CODE       PIC X(3).
               10  SITE-QTY        PIC S9(5)     COMP.

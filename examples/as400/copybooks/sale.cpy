      * Sales of a day: a header, then its lines, told apart by REC-TYPE.
       01  SALE-RECORD.
           05  REC-TYPE            PIC X.
           05  SALE-NO             PIC 9(9)      COMP.
           05  SALE-HEADER.
               10  CUST-ID         PIC 9(7)      COMP-3.
               10  SALE-DATE       PIC S9(7)     COMP-3.
               10  STORE           PIC X(4).
           05  SALE-LINE REDEFINES SALE-HEADER.
               10  LINE-NO         PIC 9(3)      COMP-3.
               10  ITEM            PIC X(8).
               10  QUANTITY        PIC S9(5)     COMP-3.
               10  PRICE           PIC S9(7)V99  COMP-3.
